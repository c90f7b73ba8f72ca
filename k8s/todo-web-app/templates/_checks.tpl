{{/* Checks of the values whose errors a JSON schema cannot explain in a sentence. */}}
{{- define "todo-web-app.check" -}}
{{- with .Values -}}
{{- $secrets := list "DATABASE_URL" "DATABASE_URL_UNPOOLED" "SECRET_KEY" "OPENAI_API_KEY" "AZURE_OPENAI_API_KEY" "MAIL_URL" "VAPID_PRIVATE_KEY" -}}
{{- range $name, $value := . -}}
  {{- if regexMatch "^[A-Z_]+$" $name -}}
    {{- fail (printf "%s is not a value of the chart. Set %s.%s instead." $name (has $name $secrets | ternary "secrets" "settings") $name) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $value := .secrets -}}
  {{- if not (has $name (append $secrets "OPENAI_BASE_URL")) -}}
    {{- fail (printf "secrets.%s is not a secret of the service. Secrets are %s. Other settings belong under settings: settings.%s" $name (join ", " $secrets) $name) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $value := .settings -}}
  {{- if has $name $secrets -}}
    {{- fail (printf "%s is a secret. Set secrets.%s instead of settings.%s, so that it is stored in a Secret." $name $name $name) -}}
  {{- end -}}
  {{- if regexMatch "^UVICORN_(HTTP|PORT|UDS|FD|WORKERS|RELOAD.*|SSL_.*|FACTORY|APP_DIR|ENV_FILE|LIFESPAN|INTERFACE)$" $name -}}
    {{- fail (printf "settings.%s cannot be set, because the chart relies on one process that serves HTTP on port 8000. service.port and service.nodePort are the ports outside, replicaCount the number of processes." $name) -}}
  {{- end -}}
{{- end -}}
{{- if and .secrets.OPENAI_BASE_URL .settings.OPENAI_BASE_URL (ne .secrets.OPENAI_BASE_URL .settings.OPENAI_BASE_URL) -}}
  {{- fail "Set OPENAI_BASE_URL under secrets or under settings, not different values under both." -}}
{{- end -}}
{{- $given := compact (values .secrets) -}}
{{- if .existingSecret -}}
  {{- if $given -}}
    {{- fail "Set either existingSecret or the values under secrets, not both: with existingSecret, all secrets come from that Secret." -}}
  {{- end -}}
{{- else -}}
  {{- if not .secrets.SECRET_KEY -}}
    {{- fail "SECRET_KEY is missing. Set secrets.SECRET_KEY to 32 random characters or more (openssl rand -base64 48 generates them), or existingSecret to the name of a Secret with this key." -}}
  {{- end -}}
  {{- range splitList "," .secrets.SECRET_KEY -}}
    {{- if and (trim .) (lt (len (trim .)) 32) -}}
      {{- fail "secrets.SECRET_KEY must have at least 32 characters. openssl rand -base64 48 generates one." -}}
    {{- end -}}
  {{- end -}}
  {{- if not (or .secrets.DATABASE_URL .postgresql.enabled) -}}
    {{- fail "DATABASE_URL is missing. Set secrets.DATABASE_URL to the URL of a PostgreSQL database, existingSecret to the name of a Secret with this key, or postgresql.enabled=true to install a database in the cluster." -}}
  {{- end -}}
  {{- if and .secrets.MAIL_URL (not .settings.MAIL_FROM) -}}
    {{- fail "secrets.MAIL_URL needs settings.MAIL_FROM, the address from which mails come." -}}
  {{- end -}}
  {{- range $secret, $setting := dict "VAPID_PRIVATE_KEY" "VAPID_SUBJECT" "AZURE_OPENAI_API_KEY" "AZURE_OPENAI_ENDPOINT" -}}
    {{- if ne (empty (get $.Values.secrets $secret)) (empty (get $.Values.settings $setting)) -}}
      {{- fail (printf "secrets.%s and settings.%s belong together. Set both or none." $secret $setting) -}}
    {{- end -}}
  {{- end -}}
  {{- range $name := list "DATABASE_URL" "DATABASE_URL_UNPOOLED" -}}
    {{- $url := get $.Values.secrets $name -}}
    {{- /* The service also accepts the psql command that Neon's console shows, so the URL need not be at the start. */ -}}
    {{- if and $url (not (regexMatch "postgres(ql)?(\\+[a-z0-9]+)?://" $url)) -}}
      {{- fail (printf "secrets.%s must be the URL of a PostgreSQL database: postgresql://..." $name) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if and .postgresql.enabled (or .secrets.DATABASE_URL .secrets.DATABASE_URL_UNPOOLED) -}}
  {{- fail "Set either secrets.DATABASE_URL or postgresql.enabled, not both: the service has one database." -}}
{{- end -}}
{{- if not (regexMatch "^[A-Za-z0-9._~-]*$" .postgresql.password) -}}
  {{- fail "postgresql.password may contain letters, digits and -._~ only, because it becomes part of a URL." -}}
{{- end -}}
{{- $connections := include "todo-web-app.maxConnections" $ | int -}}
{{- if and .postgresql.enabled (gt $connections 500) -}}
  {{- fail (printf "The database of the chart accepts at most 500 connections, and this number of pods with DATABASE_POOL_SIZE connections each needs up to %d during an update. Lower the number of pods or settings.DATABASE_POOL_SIZE, or use an external database." $connections) -}}
{{- end -}}
{{- if and .ingress.enabled (not .settings.FORWARDED_ALLOW_IPS) -}}
  {{- fail "Behind an ingress, the service needs a trusted X-Forwarded-Proto header. Without it, the session cookie is not marked as secure. Set settings.FORWARDED_ALLOW_IPS to the addresses of the ingress controller's pods, for example the pods' network 10.244.0.0/16." -}}
{{- end -}}
{{- if and .ingress.enabled (not .ingress.host) -}}
  {{- fail "ingress.host is missing. Set it to the host name of the service, for example api.example.com." -}}
{{- end -}}
{{- if and .monitoring.operator (not .settings.METRICS_PORT) -}}
  {{- fail "monitoring.operator needs the metrics. Set settings.METRICS_PORT, or monitoring.operator to false." -}}
{{- end -}}
{{- end -}}
{{- end -}}
