"""Columns with words that carry no mark of company B, and why that hides nothing."""

AGENCY = """
ab_api_key ab_group ab_permission ab_register_user ab_role ab_user ab_view_menu agency
business_calendar canned_reply department form_version holiday mail_template mailbox rate_rule
request_type rule rule_version saved_view schedule series sla_policy sla_target staff ticket_status
work_type
"""
"""Tables that are the agency's own, the same for all of its clients."""

DESK_ALONE = """
billing_run bulk_change entry_hold entry_question form_nonce happening import_batch import_mapping
import_row import_side_effect portal_viewing rule_run run_approval run_block run_row run_warning
staff_link
"""
"""Tables of the desk's own work, without rows here: no page of the portal asks them."""

OF_THE_AGENCY = frozenset(f"{AGENCY} {DESK_ALONE}".split())

CERTAIN_WORDS = """
action_reminder.step action_request.kind action_request.state allocation.kind audit_log.channel
billing_account.amount_policy billing_account.grouping billing_account.prices
billing_account.tax_scope company.kind document.kind document.paper document_line.kind
document_line.tax_category document_tax.category estimate.state estimate_line.kind
estimate_paper.stage event.kind event.visibility extra_line.kind job.state mail.state
membership.role portal_token.purpose posting.ledger received_mail.outcome received_mail.state
registration.state sla_clock.state sla_clock.target sla_segment.why tax.category ticket.category
ticket.origin ticket.priority ticket_subscription.source time_entry.state
"""
"""The database takes no others."""

CODES = """
billing_account.currency company.billing_country company.currency company.language
company.shipping_country contact.country contact.language document.currency entry_value.currency
estimate.currency payment.currency posting.currency receivable.currency
"""
"""Codes of lists that everybody knows."""

SECRETS = """
portal_account.password portal_account.recovery_codes portal_token.hash
received_mail.sha256 stored_file.sha256
"""
"""Hashes, and what is sealed."""

OF_MACHINES = """
audit_log.before document.bill_to document_pdf.notes estimate_paper.notes job.result
mail.attachments received_mail.steps
"""
"""Written by the product, and empty here."""

NUMBERS = "estimate.carried_by estimate.chosen"
"""Lists of ids and keys."""

NO_WORDS_OF_PEOPLE = frozenset(f"{CERTAIN_WORDS} {CODES} {SECRETS} {OF_MACHINES} {NUMBERS}".split())
