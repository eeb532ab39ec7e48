"""XML that keeps every character of its source, and XPath over it. No entity is ever fetched."""
