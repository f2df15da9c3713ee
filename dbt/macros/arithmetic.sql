{# Exact arithmetic with amounts. Everything rounds half away from zero. DuckDB divides decimals as floats, so that there it is
   done with whole numbers. #}


{# The sum of amounts, with as many digits as they have on every database. #}
{% macro total(amount) -%}
    cast(sum({{ amount }}) as {{ navan.type_number() }})
{%- endmacro %}


{# The quotient, with so many digits behind the point; null where there is nothing to divide by. #}
{% macro divide(numerator, denominator, digits=2) %}
    {{- return(adapter.dispatch('divide', 'navan')(numerator, denominator, digits)) -}}
{% endmacro %}

{% macro default__divide(numerator, denominator, digits) -%}
    cast(
        round(cast({{ numerator }} as {{ navan.type_number() }}) / nullif({{ denominator }}, 0), {{ digits }})
        as {{ navan.type_number() }}
    )
{%- endmacro %}

{% macro duckdb__divide(numerator, denominator, digits) -%}
    {%- set dividend = '(' ~ navan.duckdb_billionths(numerator) ~ ' * ' ~ 10 ** digits ~ ')' -%}
    {{ navan.duckdb_rounded_quotient(dividend, navan.duckdb_billionths(denominator), digits) }}
{%- endmacro %}


{# As much of an amount as `part` is of `whole`, to the cent. #}
{% macro prorate(amount, part, whole) %}
    {{- return(adapter.dispatch('prorate', 'navan')(amount, part, whole)) -}}
{% endmacro %}

{% macro default__prorate(amount, part, whole) -%}
    cast(round({{ amount }} * {{ part }} / nullif({{ whole }}, 0), 2) as {{ navan.type_number() }})
{%- endmacro %}

{% macro duckdb__prorate(amount, part, whole) -%}
    {%- set dividend = '(' ~ navan.duckdb_cents(amount) ~ ' * ' ~ navan.duckdb_cents(part) ~ ')' -%}
    {{ navan.duckdb_rounded_quotient(dividend, navan.duckdb_cents(whole), 2) }}
{%- endmacro %}


{# Part number `part` (from 1) of an amount that is divided into so many even ones by largest remainder: what whole cents
   cannot divide evenly goes to the first parts, a cent each, and what is below a cent to the first. They add up exactly. #}
{% macro even_part(amount, parts, part, digits=2) -%}
    {%- set units = 'floor(abs(' ~ amount ~ ') * ' ~ 10 ** digits ~ ')' -%}
    {%- set each = navan.whole_quotient(units, parts) -%}
    {%- set one_more = 'case when ' ~ part ~ ' <= ' ~ units ~ ' - ' ~ each ~ ' * ' ~ parts ~ ' then 1 else 0 end' -%}
    cast(
        sign({{ amount }}) * (
            {{ navan.from_units(each ~ ' + ' ~ one_more, digits) }}
            + case when {{ part }} = 1 then abs({{ amount }}) - {{ navan.from_units(units, digits) }} else 0 end
        )
        as {{ navan.type_number() }}
    )
{%- endmacro %}


{# The whole cents of an amount, towards zero. #}
{% macro whole_cents(amount) -%}
    cast(sign({{ amount }}) * floor(abs({{ amount }}) * 100) as {{ navan.type_number() }})
{%- endmacro %}


{# How often one whole number is in another. #}
{% macro whole_quotient(numerator, denominator) %}
    {{- return(adapter.dispatch('whole_quotient', 'navan')(numerator, denominator)) -}}
{% endmacro %}

{% macro default__whole_quotient(numerator, denominator) -%}
    floor({{ numerator }} / {{ denominator }})
{%- endmacro %}

{# A quotient with many digits would be rounded before it is cut. #}
{% macro postgres__whole_quotient(numerator, denominator) -%}
    div({{ numerator }}, {{ denominator }})
{%- endmacro %}

{# It knows itself for a PostgreSQL, but has no such function. #}
{% macro redshift__whole_quotient(numerator, denominator) -%}
    {{ navan.default__whole_quotient(numerator, denominator) }}
{%- endmacro %}

{% macro duckdb__whole_quotient(numerator, denominator) -%}
    (cast({{ numerator }} as hugeint) // {{ denominator }})
{%- endmacro %}


{# A whole number of cents, or of smaller units, as an amount. #}
{% macro from_units(units, digits) %}
    {{- return(adapter.dispatch('from_units', 'navan')(units, '0.' ~ '0' * (digits - 1) ~ '1' if digits else '1', digits)) -}}
{% endmacro %}

{% macro default__from_units(units, unit, digits) -%}
    cast({{ units }} as {{ navan.type_number() }}) * cast({{ unit }} as {{ navan.type_number() }})
{%- endmacro %}

{# With as few digits as there are: what is multiplied has those of both. #}
{% macro duckdb__from_units(units, unit, digits) -%}
    cast({{ units }} as decimal(38, 0)) * cast({{ unit }} as decimal(38, {{ digits }}))
{%- endmacro %}


{% macro duckdb_billionths(number) -%}
    cast(cast({{ number }} as decimal(38, 9)) * 1000000000 as hugeint)
{%- endmacro %}

{% macro duckdb_cents(amount) -%}
    cast(round({{ amount }} * 100) as hugeint)
{%- endmacro %}

{# A quotient of whole numbers, rounded, as a number with so many digits behind the point. #}
{% macro duckdb_rounded_quotient(dividend, divisor, digits) -%}
    {{ navan.from_units(
        'sign(' ~ dividend ~ ') * sign(' ~ divisor ~ ')'
        ~ ' * ((2 * abs(' ~ dividend ~ ') + abs(' ~ divisor ~ ')) // nullif(2 * abs(' ~ divisor ~ '), 0))',
        digits
    ) }}
{%- endmacro %}
