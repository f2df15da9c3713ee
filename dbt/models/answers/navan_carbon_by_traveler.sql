-- How much carbon dioxide does each traveler cause? A booking's emissions go evenly to those who travel on it.
with bookings as (
    select
        booking_uuid,
        cast(extract(year from incurred_on) as integer) as year,
        passengers,
        coalesce(carbon_kg, 0) as carbon_kg
    from {{ ref('fct_bookings') }}
    where is_counted
),

-- Where no passenger is told, the booker is taken for one.
travelers as (
    select
        bookings.booking_uuid,
        bookings.year,
        people.employee_key,
        people.person_name,
        {{ navan.even_part(
            'bookings.carbon_kg',
            'count(*) over (partition by bookings.booking_uuid)',
            'row_number() over (partition by bookings.booking_uuid order by people.position)',
            digits=3
        ) }} as carbon_kg
    from bookings
    left join {{ ref('int_navan__booking_people') }} as people
        on bookings.booking_uuid = people.booking_uuid
            and people.role = case when bookings.passengers > 0 then 'passenger' else 'booker' end
)

select
    travelers.year,
    coalesce(travelers.employee_key, '(none)') as employee_key,
    case when employees.is_user then employees.name else coalesce(travelers.person_name, '(none)') end as traveler,
    count(distinct travelers.booking_uuid) as bookings,
    {{ navan.total('travelers.carbon_kg') }} as carbon_kg
from travelers
left join {{ ref('dim_employees') }} as employees on travelers.employee_key = employees.employee_key
group by 1, 2, 3
