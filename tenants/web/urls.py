"""Pages of tenants, relative to the space."""

from django.urls import path

from tenants.web import connections, tag_sets, tenants, variables

urlpatterns = [
    path("tenants", tenants.tenant_list),
    path("tenants/new", tenants.tenant_new),
    path("tenants/tag-sets", tag_sets.tag_set_list),
    path("tenants/tag-sets/new", tag_sets.tag_set_new),
    path("tenants/tag-sets/<str:tag_set>", tag_sets.tag_set_edit),
    path("tenants/tag-sets/<str:tag_set>/move", tag_sets.tag_set_move),
    path("tenants/tag-sets/<str:tag_set>/delete", tag_sets.tag_set_delete),
    path("tenants/<str:tenant>", tenants.tenant_page),
    path("tenants/<str:tenant>/settings", tenants.tenant_edit),
    path("tenants/<str:tenant>/clone", tenants.tenant_clone),
    path("tenants/<str:tenant>/delete", tenants.tenant_delete),
    path("tenants/<str:tenant>/logo", tenants.tenant_logo),
    path("tenants/<str:tenant>/variables", variables.tenant_variables),
    path("tenants/<str:tenant>/connect", connections.project_connect),
    path("tenants/<str:tenant>/disconnect", connections.project_disconnect),
]
