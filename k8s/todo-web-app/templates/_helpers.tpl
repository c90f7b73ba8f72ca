{{/* The base name of all objects of the release. 40 of 63 characters, because templates append suffixes. */}}
{{- define "todo-web-app.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The labels that select the pods of a component. Argument: (dict "root" . "component" "api"). */}}
{{- define "todo-web-app.selectorLabels" -}}
app.kubernetes.io/name: {{ eq .component "database" | ternary "postgresql" .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "todo-web-app.labels" -}}
{{ include "todo-web-app.selectorLabels" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "todo-web-app.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "todo-web-app.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "todo-web-app.name" .) -}}
{{- end -}}

{{- define "todo-web-app.secret" -}}
{{- .Values.existingSecret | default (include "todo-web-app.name" .) -}}
{{- end -}}

{{- define "todo-web-app.database" -}}
{{- include "todo-web-app.name" . }}-postgresql
{{- end -}}

{{/* The settings as a JSON object of strings. The service treats an empty string as not set. */}}
{{- define "todo-web-app.settings" -}}
{{- $strings := dict -}}
{{- range $name, $value := .Values.settings -}}
{{- if not (kindIs "invalid" $value) -}}
{{- /* JSON, because a template writes the number 1000000 as 1e+06. */ -}}
{{- $_ := set $strings $name (kindIs "string" $value | ternary $value (toJson $value)) -}}
{{- end -}}
{{- end -}}
{{- toJson $strings -}}
{{- end -}}

{{/* The secrets as a JSON object of strings. */}}
{{- define "todo-web-app.secrets" -}}
{{- $strings := dict -}}
{{- range $name, $value := .Values.secrets -}}
{{- if $value -}}
{{- $_ := set $strings $name $value -}}
{{- end -}}
{{- end -}}
{{- toJson $strings -}}
{{- end -}}

{{/* The data of a Secret. Argument: a JSON object of strings.
     It is encoded here instead of by `stringData`. The API server copies `stringData` into `data`, where server-side apply
     does not know the owner of a key. So a key that a later release leaves out would stay. */}}
{{- define "todo-web-app.secretData" -}}
{{- range $name, $value := fromJson . }}
{{ $name }}: {{ $value | b64enc | quote }}
{{- end }}
{{- end -}}

{{/* The environment of a container that runs the service's code. */}}
{{- define "todo-web-app.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-web-app.name" . }}
  - secretRef:
      name: {{ include "todo-web-app.secret" . }}
{{- include "todo-web-app.variables" . }}
{{- end -}}

{{/* The environment of a hook. Hooks run before the ConfigMap and the Secret of the release exist. */}}
{{- define "todo-web-app.hookEnvironment" -}}
envFrom:
  - secretRef:
      name: {{ include "todo-web-app.name" . }}-migration
  {{- with .Values.existingSecret }}
  - secretRef:
      name: {{ . }}
  {{- end }}
{{- include "todo-web-app.variables" . }}
{{- end -}}

{{- define "todo-web-app.variables" -}}
{{- $variables := concat (include "todo-web-app.databaseVariables" . | fromYamlArray) .Values.extraEnv }}
{{- with $variables }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The URL of the chart's database. Kubernetes inserts the password, so it appears in no manifest but its Secret.
     The direct URL is emptied, because an existing Secret may contain that of another database. */}}
{{- define "todo-web-app.databaseVariables" -}}
{{- with .Values.postgresql }}
{{- if .enabled }}
- name: POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "todo-web-app.database" $ }}
      key: password
- name: DATABASE_URL
  value: postgresql://{{ .username }}:$(POSTGRES_PASSWORD)@{{ include "todo-web-app.database" $ }}:5432/{{ .database }}
- name: DATABASE_URL_UNPOOLED
  value: ""
{{- end }}
{{- end }}
{{- end -}}

{{/* Settings of all pods with the service's image. */}}
{{- define "todo-web-app.podSettings" -}}
{{ include "todo-web-app.placement" . }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{/* Where pods run, and what they get from the cluster. */}}
{{- define "todo-web-app.placement" -}}
automountServiceAccountToken: false
# Pods find services by DNS. Variables with addresses could have the names of settings.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The security context of pods with the image of PostgreSQL, which has another user. */}}
{{- define "todo-web-app.databasePodSecurity" -}}
{{- with .Values.postgresql.uid }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
{{- end }}
{{- with omit .Values.podSecurityContext "runAsUser" "runAsGroup" "fsGroup" }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Settings of all containers with the image of PostgreSQL. */}}
{{- define "todo-web-app.databaseContainer" -}}
{{- with .Values.postgresql -}}
image: {{ .image.repository }}:{{ .image.tag }}
imagePullPolicy: {{ .image.pullPolicy }}
securityContext:
  {{- toYaml $.Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .resources | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Settings of the pods that write and restore backups, and their volumes. They run as the user of the database, who
     owns the backups. The service's image runs as any user. */}}
{{- define "todo-web-app.backupPod" -}}
restartPolicy: Never
{{ include "todo-web-app.placement" . }}
securityContext:
  {{- include "todo-web-app.databasePodSecurity" . | trim | nindent 2 }}
volumes:
  {{- include "todo-web-app.volumes" . | nindent 2 }}
  - name: scripts
    configMap:
      name: {{ include "todo-web-app.name" . }}-backup
  - name: backups
    {{- $claim := dict "persistentVolumeClaim" (dict "claimName" (printf "%s-backup" (include "todo-web-app.name" .))) }}
    {{- .Values.postgresql.backup.volume | default $claim | toYaml | nindent 4 }}
{{- end -}}

{{/* A container with the image of PostgreSQL, the scripts, the backups and the address of the database. */}}
{{- define "todo-web-app.backupContainer" -}}
{{ include "todo-web-app.databaseContainer" . }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: scripts
    mountPath: /scripts
  - name: backups
    mountPath: /backups
env:
  - name: PGHOST
    value: {{ include "todo-web-app.database" . }}
  - name: PGUSER
    value: {{ .Values.postgresql.username }}
  - name: PGDATABASE
    value: {{ .Values.postgresql.database }}
  - name: PGPASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ include "todo-web-app.database" . }}
        key: password
{{- end -}}

{{/* A pod that runs one command of the image and ends. Argument:
     (dict "root" . "component" "migration" "command" (list "python" "-m" "functions.migrate")
           "environment" (include "todo-web-app.environment" .) "waitFor" "host:port that must listen first").
     It has no service account of the release, because hooks run before that exists. */}}
{{- define "todo-web-app.commandPod" -}}
restartPolicy: Never
{{ include "todo-web-app.podSettings" .root }}
{{- with .waitFor }}
initContainers:
  - name: wait
    {{- include "todo-web-app.containerSettings" $.root | nindent 4 }}
    command: [python, -c, {{ $.root.Files.Get "files/wait.py" | toJson }}, {{ . }}]
{{- end }}
containers:
  - name: {{ .component }}
    {{- include "todo-web-app.containerSettings" .root | nindent 4 }}
    command: {{ toJson .command }}
    {{- with .environment }}
    {{- . | nindent 4 }}
    {{- end }}
volumes:
  {{- include "todo-web-app.volumes" .root | nindent 2 }}
{{- end -}}

{{/* Settings of all containers with the service's image. */}}
{{- define "todo-web-app.containerSettings" -}}
image: {{ include "todo-web-app.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "todo-web-app.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Seconds that a pod waits for its last requests after it has drained. The longest request is a turn of the assistant. */}}
{{- define "todo-web-app.longestRequest" -}}
{{- $turn := .Values.settings.ASSISTANT_SECONDS | default 25 | float64 | ceil | add 5 -}}
{{- .Values.settings.UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN | default $turn -}}
{{- end -}}

{{/* Seconds that a pod has to stop: it drains, finishes its requests and closes its connections. */}}
{{- define "todo-web-app.gracePeriod" -}}
{{- add (.Values.settings.DRAIN_SECONDS | default 0 | float64 | ceil) (include "todo-web-app.longestRequest" .) 5 -}}
{{- end -}}

{{/* The connections that the chart's database must accept. An update has old and new pods at the same time. The others
     are the migration, the purge, a backup, and sessions of an administrator. */}}
{{- define "todo-web-app.maxConnections" -}}
{{- $pods := .Values.autoscaling.enabled | ternary .Values.autoscaling.maxReplicas .Values.replicaCount -}}
{{- $others := 20 -}}
{{- add (mul 2 $pods (.Values.settings.DATABASE_POOL_SIZE | default 10)) $others | max 100 -}}
{{- end -}}

{{/* The ports that the service connects to. */}}
{{- define "todo-web-app.egressPorts" -}}
{{- $ports := .Values.networkPolicy.egressPorts -}}
{{- with .Values.secrets.OPENAI_BASE_URL | default .Values.settings.OPENAI_BASE_URL -}}
{{- $url := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "http" | ternary 80 443) -}}
{{- $ports = append $ports $port -}}
{{- end -}}
{{- with .Values.secrets.MAIL_URL -}}
{{- $url := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "smtps" | ternary 465 587) -}}
{{- $ports = append $ports $port -}}
{{- end -}}
{{- range $ports | uniq }}
- protocol: TCP
  port: {{ int . }}
{{- end }}
{{- end -}}

{{/* The checksum of the chart's Secret or of the existing one. A change of it starts new pods. */}}
{{- define "todo-web-app.secretsChecksum" -}}
{{- with .Values.existingSecret -}}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace . | default dict -}}
{{- get $secret "data" | toJson | sha256sum -}}
{{- else -}}
{{- include "todo-web-app.secrets" . | sha256sum -}}
{{- end -}}
{{- end -}}

{{/* Checks of checkov that a manifest skips, each with the reason. Argument: (list "CKV_K8S_40" ...). */}}
{{- define "todo-web-app.waived" -}}
{{- $reasons := dict
  "CKV_K8S_8" "It runs once and ends"
  "CKV_K8S_9" "It runs once and ends"
  "CKV_K8S_14" "A local image that is loaded into Minikube has no other tag; image.tag and image.digest are for releases"
  "CKV_K8S_15" "A local image that is loaded into Minikube cannot be pulled from a registry; see image.pullPolicy"
  "CKV_K8S_35" "The service reads its settings from the environment on every platform"
  "CKV_K8S_40" "The user of the image"
  "CKV_K8S_43" "A locally built image has no digest; image.digest is for releases"
-}}
{{- range $number, $check := . }}
checkov.io/skip{{ add1 $number }}: {{ $check }}={{ get $reasons $check }}
{{- end }}
{{- end -}}
