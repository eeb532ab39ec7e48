"""The protocols of NuGet clients: push and delete, V2 (OData), V3 (JSON)."""
