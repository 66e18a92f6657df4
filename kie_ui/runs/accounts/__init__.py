"""Keys, balances and limits of the accounts that pay for runs."""
