"""Errors of reminders."""

from todo_core.database.constraints import raised_for
from todo_core.errors import NotAuthenticated, ServiceError


class SubscriptionNotFound(ServiceError):
    status = 404
    code = "subscription_not_found"
    title = "Subscription not found"
    detail = "You have no push subscription with this id; it may have been deleted, or its browser has ended it."


class PushNotConfigured(ServiceError):
    status = 503
    code = "push_not_configured"
    title = "Push not configured"
    detail = "This service cannot send web push, which this request needs; its operator must set VAPID_PRIVATE_KEY."
    is_expected = True


# The session that makes a subscription may end at the same moment.
raised_for("push_subscriptions_session_id_fkey")(NotAuthenticated)
