"""Source types of the business side: ERP, LIMS, QMS."""
