{# Rows of which there are more than one with the same key, of several columns. #}
{% test unique_key(model, key) %}
select {{ key | join(', ') }}, count(*) as copies
from {{ model }}
group by {{ key | join(', ') }}
having count(*) > 1
{% endtest %}
