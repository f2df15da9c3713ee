-- A booking's cost, divided evenly among its departments and, within them, its projects; to the cent, by largest remainder.
with allocations as (
    select
        booking_uuid,
        dimension,
        position,
        {{ navan.filled('name') }} as name,
        row_number() over (partition by booking_uuid, dimension order by position) as place
    from {{ ref('stg_navan__booking_allocation') }}
    where {{ navan.filled('name') }} is not null
),

combined as (
    select
        bookings.booking_uuid,
        bookings.cost_amount,
        coalesce(departments.name, bookings.department) as department,
        -- The lists go together: the first cost center is the first department's.
        coalesce(own_cost_centers.name, first_cost_centers.name, bookings.cost_center) as cost_center,
        coalesce(projects.name, custom_fields.field_value, '(none)') as project,
        row_number() over (partition by bookings.booking_uuid order by departments.position, projects.position) as part,
        count(*) over (partition by bookings.booking_uuid) as parts
    from {{ ref('int_navan__booking_costs') }} as bookings
    left join allocations as departments
        on bookings.booking_uuid = departments.booking_uuid and departments.dimension = 'department'
    left join allocations as own_cost_centers
        on departments.booking_uuid = own_cost_centers.booking_uuid
            and departments.position = own_cost_centers.position
            and own_cost_centers.dimension = 'cost_center'
    left join allocations as first_cost_centers
        on bookings.booking_uuid = first_cost_centers.booking_uuid
            and first_cost_centers.dimension = 'cost_center'
            and first_cost_centers.place = 1
    left join allocations as projects
        on bookings.booking_uuid = projects.booking_uuid and projects.dimension = 'project'
    left join {{ ref('int_navan__custom_fields') }} as custom_fields
        on bookings.booking_uuid = custom_fields.source_id
            and custom_fields.source = 'booking'
            and custom_fields.field_name = '{{ var("navan_project_field") | lower }}'
)

select
    booking_uuid,
    part,
    parts,
    department,
    cost_center,
    project,
    {{ navan.divide('1', 'parts', 9) }} as share,
    {{ navan.even_part('cost_amount', 'parts', 'part') }} as amount
from combined
