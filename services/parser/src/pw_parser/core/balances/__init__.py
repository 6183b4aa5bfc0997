"""What each account held before and after."""
