"""The outbox: messages that leave the service, written in the transaction that causes them and delivered later."""
