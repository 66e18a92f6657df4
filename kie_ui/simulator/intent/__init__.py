"""What a request asks for: roles, dimensions, a plan."""
