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

{{/* The settings as lines of a map of strings. The service treats an empty string as not set. */}}
{{- define "todo-web-app.settings" -}}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
{{- /* JSON, because a template writes the number 1000000 as 1e+06. */}}
{{ $name }}: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "todo-web-app.secrets" -}}
{{- range $name, $value := .Values.secrets }}
{{- if $value }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The environment of a container that runs the service's code. */}}
{{- define "todo-web-app.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "todo-web-app.name" . }}
  - secretRef:
      name: {{ include "todo-web-app.secret" . }}
{{- include "todo-web-app.databaseEnvironment" . }}
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
{{- include "todo-web-app.databaseEnvironment" . }}
{{- end -}}

{{/* The URL of the chart's database. Kubernetes inserts the password, so it appears in no manifest but its Secret. */}}
{{- define "todo-web-app.databaseEnvironment" -}}
{{- with .Values.postgresql }}
{{- if .enabled }}
env:
  - name: POSTGRES_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ include "todo-web-app.database" $ }}
        key: password
  - name: DATABASE_URL
    value: postgresql://{{ .username }}:$(POSTGRES_PASSWORD)@{{ include "todo-web-app.database" $ }}:5432/{{ .database }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Settings of all pods with the service's image. */}}
{{- define "todo-web-app.podSettings" -}}
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
securityContext:
  {{- include "todo-web-app.podSecurity" 1001 | nindent 2 }}
{{- end -}}

{{- define "todo-web-app.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "todo-web-app.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
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
  {{- include "todo-web-app.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end -}}

{{- define "todo-web-app.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end -}}

{{/* Seconds that a pod waits for its last requests after it has drained. The longest request is a turn of the assistant. */}}
{{- define "todo-web-app.longestRequest" -}}
{{- .Values.settings.ASSISTANT_SECONDS | default 25 | float64 | ceil | add 5 -}}
{{- end -}}

{{/* Seconds that a pod has to stop: it drains, finishes its requests and closes its connections. */}}
{{- define "todo-web-app.gracePeriod" -}}
{{- add (.Values.settings.DRAIN_SECONDS | default 0 | float64 | ceil) (include "todo-web-app.longestRequest" .) 5 -}}
{{- end -}}

{{/* The ports that the service connects to. */}}
{{- define "todo-web-app.egressPorts" -}}
{{- $ports := .Values.networkPolicy.egressPorts -}}
{{- with .Values.settings.OPENAI_BASE_URL -}}
{{- $url := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "http" | ternary 80 443) -}}
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
