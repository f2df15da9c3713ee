-- Made by dbt/generate from schemas/user.json.
{{ navan.staging(
    stream='USER',
    key=['id'],
    columns={
        'id': ['id', 'string'],
        'user_name': ['userName', 'string'],
        'name_family_name': ['name.familyName', 'string'],
        'name_given_name': ['name.givenName', 'string'],
        'emails': ['emails', 'json'],
        'employee_id': ['employeeId', 'string'],
        'phone_number': ['phoneNumber', 'string'],
        'active': ['active', 'boolean'],
        'department': ['department', 'string'],
        'cost_centre': ['costCentre', 'string'],
        'region': ['region', 'string'],
        'subsidiary': ['subsidiary', 'string'],
        'legal_entity_name': ['legalEntityName', 'string'],
        'company_office': ['companyOffice', 'string'],
        'approver': ['approver', 'string'],
        'approver_name': ['approverName', 'string'],
        'manager_name': ['managerName', 'string'],
        'manager_email': ['managerEmail', 'string'],
        'policy_level': ['policyLevel', 'string'],
        'policy_name': ['policyName', 'string'],
        '_extra': ['_extra', 'json'],
    }
) }}
