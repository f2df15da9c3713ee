{# A text, or null where there is nothing in it but blanks. #}
{% macro filled(text) -%}
    nullif(trim({{ text }}), '')
{%- endmacro %}


{# The first of some texts that says something, or `(none)`: what groups and joins, where a null would not. #}
{% macro first_filled(texts) -%}
    coalesce({% for text in texts %}{{ navan.filled(text) }}, {% endfor %}'(none)')
{%- endmacro %}
