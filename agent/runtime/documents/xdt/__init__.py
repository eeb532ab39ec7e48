"""XML document transforms: `xdt:Transform` and `xdt:Locator`, applied to configuration files."""
