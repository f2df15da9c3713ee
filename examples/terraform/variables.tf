variable "workspace_id" {
  type        = string
  description = "The workspace in Airbyte."
}

variable "destination_id" {
  type        = string
  description = "Where the tables go."
}

variable "image" {
  type        = string
  description = "The connector's image in a registry that Airbyte reaches, without the tag."
}

variable "image_tag" {
  type        = string
  description = "The image's tag."
}

variable "tenants" {
  type = map(object({
    region        = optional(string, "us")
    personal_data = optional(string, "pass")
  }))
  description = "The companies by name: letters, digits, `_`, `.`, `-`, since the name is a label of their metrics and the prefix of their tables."

  validation {
    condition     = alltrue([for name in keys(var.tenants) : can(regex("^[A-Za-z0-9_.-]{1,64}$", name))])
    error_message = "A tenant's name has letters, digits, _, . and - only, 64 at most."
  }
}

variable "credentials" {
  type        = map(object({ client_id = string, client_secret = string }))
  sensitive   = true
  description = "Each company's Navan API credential, from wherever secrets are kept: TF_VAR_credentials, or a data source of a secret store."
}

variable "pushgateway_url" {
  type        = string
  description = "The Pushgateway that gets the metrics."
}

variable "first_hour" {
  type        = number
  default     = 1
  description = "The first hour (UTC) in which connections may begin."
}

variable "hours" {
  type        = number
  default     = 5
  description = "Over so many hours they are spread."
}
