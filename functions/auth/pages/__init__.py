"""The pages to which links in mails lead. They are plain forms without scripts, for services without a front end."""
