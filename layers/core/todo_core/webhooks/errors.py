"""Errors of webhooks and of their deliveries."""

from todo_core.errors import ServiceError


class WebhookNotFound(ServiceError):
    status = 404
    code = "webhook_not_found"
    title = "Webhook not found"
    detail = "You have no webhook with this id."


class DeliveryNotFound(ServiceError):
    status = 404
    code = "delivery_not_found"
    title = "Delivery not found"
    detail = "You have no delivery with this id; deliveries are kept for 30 days."


class WebhookUrlRefused(ServiceError):
    """The service sends nothing to this URL. The sentence says why."""

    status = 422
    code = "webhook_url_refused"
    title = "URL refused"
    detail = "The host must be public: a full name such as hooks.example.com."
