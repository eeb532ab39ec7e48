"""The grammar of the REST API: names, paging, links, dates, errors. No permissions here."""
