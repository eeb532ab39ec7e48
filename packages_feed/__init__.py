"""The package feed: storage, NuGet protocols, raw upload."""
