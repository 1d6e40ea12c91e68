{{- define "fleet.name" -}}
{{- printf "%s-%s" .Release.Name "fleet" | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "fleet.labels" -}}
app.kubernetes.io/name: bruin-fleet
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "fleet.selector" -}}
app.kubernetes.io/name: bruin-fleet
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fleet.image" -}}
{{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
{{- end -}}

{{- define "fleet.secret" -}}
{{- default (printf "%s-secrets" (include "fleet.name" .)) .Values.existingSecret -}}
{{- end -}}

{{- define "fleet.claim" -}}
{{- default (printf "%s-storage" (include "fleet.name" .)) .Values.storage.existingClaim -}}
{{- end -}}

{{/* The broker's and the catalog's address: what is given, else that of the chart's own servers. */}}
{{- define "fleet.broker" -}}
{{- if .Values.broker -}}{{ .Values.broker }}
{{- else if .Values.valkey.enabled -}}redis://:{{ .Values.valkey.password }}@{{ include "fleet.name" . }}-valkey:6379/0
{{- else -}}{{ fail "give broker, existingSecret, or valkey.enabled" }}
{{- end -}}
{{- end -}}

{{- define "fleet.catalog" -}}
{{- if .Values.catalog -}}{{ .Values.catalog }}
{{- else if .Values.postgres.enabled -}}postgresql://fleet:{{ .Values.postgres.password }}@{{ include "fleet.name" . }}-postgres:5432/fleet
{{- else -}}{{ fail "give catalog, existingSecret, or postgres.enabled" }}
{{- end -}}
{{- end -}}

{{/* Settings that every process of the fleet has. Addresses come from the secret, never from a command line. */}}
{{- define "fleet.environment" -}}
- name: FLEET_FLEET
  value: {{ .Values.fleet | quote }}
- name: FLEET_STORAGE
  value: {{ default "/var/lib/fleet/storage" .Values.storage.url | quote }}
- name: FLEET_BROKER
  valueFrom: {secretKeyRef: {name: {{ include "fleet.secret" . }}, key: broker}}
- name: FLEET_CATALOG
  valueFrom: {secretKeyRef: {name: {{ include "fleet.secret" . }}, key: catalog}}
- name: FLEET_MESSAGE_KEY
  valueFrom: {secretKeyRef: {name: {{ include "fleet.secret" . }}, key: message-key, optional: true}}
{{- end -}}

{{- define "fleet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "fleet.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
