"""What people see and do; a package, so that one browser lasts for all of it and no longer."""
