"""The durable heart: runs kept in a database, watched until they end."""
