"""WhatsApp Cloud API: messages sent, messages marked as read, phone numbers.

Meta, WhatsApp Cloud API, "Messages", "Error Codes".
"""
