"""What people see of a storm: text, page, plots, exports."""
