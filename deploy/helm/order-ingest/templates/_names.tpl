{{- define "order-ingest.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for the longest suffix, that of a worker version. */}}
{{- define "order-ingest.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 30 | trimSuffix "-" }}
{{- else }}
{{- $name := include "order-ingest.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 30 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 30 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The labels that select the pods of a component. They must not change, because a Deployment's selector is immutable. */}}
{{- define "order-ingest.selector" -}}
app.kubernetes.io/name: {{ include "order-ingest.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- if .buildLabel }}
order-ingest/build-id: {{ .buildLabel | quote }}
{{- end }}
{{- end }}

{{- define "order-ingest.labels" -}}
{{ include "order-ingest.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{/* The image; a version of a worker may have a tag or digest of its own. */}}
{{- define "order-ingest.image" -}}
{{- $image := .root.Values.image }}
{{- $version := default dict .version }}
{{- $digest := $image.digest }}
{{- $tag := default .root.Chart.AppVersion $image.tag }}
{{- if $version.tag }}
{{- $tag = $version.tag }}
{{- $digest = "" }}
{{- end }}
{{- if $version.digest }}
{{- $digest = $version.digest }}
{{- end }}
{{- if $digest }}{{ $image.repository }}@{{ $digest }}{{ else }}{{ $image.repository }}:{{ $tag }}{{ end }}
{{- end }}

{{- define "order-ingest.buildId" -}}
{{- default (default .Chart.AppVersion .Values.image.tag) .Values.worker.versioning.buildId }}
{{- end }}

{{- define "order-ingest.deploymentName" -}}
{{- default (include "order-ingest.fullname" .) .Values.worker.versioning.deploymentName }}
{{- end }}

{{/* The name of the Deployment of one worker version. Different build IDs give different names. */}}
{{- define "order-ingest.workerName" -}}
{{- $name := printf "%s-worker" (include "order-ingest.fullname" .root) }}
{{- if .version.buildId }}
{{- $plain := regexReplaceAll "[^a-z0-9-]" (lower .version.buildId) "-" | trunc 16 | trimSuffix "-" }}
{{- if ne $plain .version.buildId }}
{{- $plain = printf "%s-%s" $plain (sha256sum .version.buildId | trunc 6) }}
{{- end }}
{{- $name = printf "%s-%s" $name $plain }}
{{- end }}
{{- $name }}
{{- end }}

{{/*
The worker versions that run side by side, as JSON {"versions": […]}: the one of these values first. The
selector of workers without versioning has a value of its own, so that it never matches those of a version.
*/}}
{{- define "order-ingest.workerVersions" -}}
{{- $versioning := .Values.worker.versioning }}
{{- $versions := list }}
{{- if $versioning.enabled }}
{{- $versions = append $versions (dict "buildId" (include "order-ingest.buildId" .) "current" true) }}
{{- range $versioning.previous }}
{{- $versions = append $versions . }}
{{- end }}
{{- else }}
{{- $versions = append $versions (dict "current" true) }}
{{- end }}
{{- dict "versions" $versions | toJson }}
{{- end }}

{{/* Hooks run before the ServiceAccount of this chart exists. */}}
{{- define "order-ingest.serviceAccountName" -}}
{{- $account := .root.Values.serviceAccount }}
{{- if not $account.create }}
{{- default "default" $account.name }}
{{- else if .hook }}
{{- "default" }}
{{- else }}
{{- default (include "order-ingest.fullname" .root) $account.name }}
{{- end }}
{{- end }}
