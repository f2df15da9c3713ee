# Navan for many companies: for each one a source and a connection, with schedules that do not all begin at once.
#
#   terraform apply -var-file=tenants.tfvars
#
# What to choose, and what to watch, stands in docs/tenants.md.

terraform {
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "~> 1.0"
    }
  }
}

resource "airbyte_source_definition" "navan" {
  name              = "Navan"
  workspace_id      = var.workspace_id
  docker_repository = var.image
  docker_image_tag  = var.image_tag
}

locals {
  # A minute of the day for each tenant, which stays the same as others come and go: within the hours from `first_hour` on.
  minute_of = {
    for name, tenant in var.tenants :
    name => parseint(substr(sha1(name), 0, 6), 16) % (60 * var.hours)
  }
  daily = {
    for name, minute in local.minute_of :
    name => format("0 %d %d * * ? UTC", minute % 60, (var.first_hour + floor(minute / 60)) % 24)
  }
}

resource "airbyte_source" "navan" {
  for_each      = var.tenants
  name          = "Navan (${each.key})"
  workspace_id  = var.workspace_id
  definition_id = airbyte_source_definition.navan.id
  # The same for all but for these few lines.
  configuration = jsonencode({
    client_id     = var.credentials[each.key].client_id
    client_secret = var.credentials[each.key].client_secret
    region        = each.value.region
    personal_data = each.value.personal_data
    monitoring = {
      pushgateway_url = var.pushgateway_url
      tenant_name     = each.key
      connection_name = "daily"
    }
  })
}

resource "airbyte_connection" "daily" {
  for_each       = var.tenants
  name           = "Navan (${each.key})"
  source_id      = airbyte_source.navan[each.key].source_id
  destination_id = var.destination_id
  prefix         = "${each.key}_"
  schedule       = { schedule_type = "cron", cron_expression = local.daily[each.key] }
  configurations = {
    streams = [
      { name = "BOOKING", sync_mode = "incremental_deduped_history" },
      { name = "TRANSACTION", sync_mode = "incremental_deduped_history" },
      { name = "USER", sync_mode = "full_refresh_overwrite" },
    ]
  }
}
