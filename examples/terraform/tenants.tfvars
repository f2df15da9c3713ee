workspace_id    = "00000000-0000-0000-0000-000000000000"
destination_id  = "00000000-0000-0000-0000-000000000000"
image           = "registry.example.com/data/source-navan"
image_tag       = "0.1.0"
pushgateway_url = "https://pushgateway.example"

tenants = {
  acme   = {}
  globex = { region = "eu" }
  initech = {
    personal_data = "drop"
  }
}
