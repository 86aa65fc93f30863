{{/* A setting as text: YAML's large integers are floating-point numbers here. */}}
{{- define "order-ingest.text" -}}
{{- if kindIs "invalid" . }}{{ else if kindIs "float64" . }}{{ if eq (floor .) . }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Where a secret setting comes from: its entry under `secrets`, or `setup.databaseUrl` for setup. */}}
{{- define "order-ingest.secret" -}}
{{- $source := index .root.Values.secrets .name }}
{{- if and (eq .name "DATABASE_URL") (eq .program "setup") .root.Values.setup.databaseUrl }}
{{- $source = .root.Values.setup.databaseUrl }}
{{- end }}
{{- default dict $source | toJson }}
{{- end }}

{{/* The variables of one program, as a list. */}}
{{- define "order-ingest.env" -}}
{{- $root := .root }}
{{- $program := .program }}
{{- $reference := $root.Files.Get "files/settings.json" | fromJson }}
{{- $names := index $reference.programs $program }}
{{- range $names }}
{{- if hasKey $root.Values.settings . }}
{{- $value := include "order-ingest.text" (index $root.Values.settings .) }}
{{- if ne $value "" }}
- name: {{ . }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- range $reference.secrets }}
{{- if has . $names }}
{{- $source := include "order-ingest.secret" (dict "root" $root "program" $program "name" .) | fromJson }}
{{- if $source.file }}
- name: {{ . }}_FILE
  value: {{ $source.file | quote }}
{{- else if $source.name }}
{{- if and (eq $root.Values.secretsAs "files") (has . $reference.secretFiles) }}
- name: {{ . }}_FILE
  value: /etc/order-ingest/secrets/{{ . }}
{{- else }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $source.name }}
      key: {{ $source.key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $certificate := $reference.certificates }}
{{- $source := index $root.Values.certificates $certificate.group $certificate.value }}
{{- if and $source $certificate.variable (has $program $certificate.programs) }}
- name: {{ $certificate.variable }}
  value: /etc/order-ingest/certificates/{{ $certificate.group }}/{{ $certificate.value }}.pem
{{- end }}
{{- end }}
{{- if and $root.Values.orderModule.configMap (has "ORDER_MODULE" $names) }}
- name: ORDER_MODULE
  value: /etc/order-ingest/order-module/{{ $root.Values.orderModule.file }}
{{- end }}
{{- if eq $program "bridge" }}
- { name: BRIDGE_HTTP_HOST, value: 0.0.0.0 }
- { name: BRIDGE_HTTP_PORT, value: '9464' }
{{- end }}
{{- if eq $program "worker" }}
- { name: WORKER_HTTP_HOST, value: 0.0.0.0 }
- { name: WORKER_HTTP_PORT, value: '9465' }
{{- end }}
{{- if eq $program "codecServer" }}
- { name: CODEC_SERVER_HOST, value: 0.0.0.0 }
- { name: CODEC_SERVER_PORT, value: '9466' }
{{- end }}
{{- if .buildId }}
- name: TEMPORAL_DEPLOYMENT_NAME
  value: {{ include "order-ingest.deploymentName" $root | quote }}
- name: TEMPORAL_BUILD_ID
  value: {{ .buildId | quote }}
{{- else if and (eq $program "tools") $root.Values.worker.versioning.enabled }}
{{- /* For `order-ingest deploy`, which gets the build ID as an option. */}}
- name: TEMPORAL_DEPLOYMENT_NAME
  value: {{ include "order-ingest.deploymentName" $root | quote }}
{{- end }}
{{- if not $root.Values.settings.LOG_FORMAT }}
- { name: LOG_FORMAT, value: json }
{{- end }}
{{- with $root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The volumes with secrets, certificates and the order module, as JSON {"volumes": […], "mounts": […]}. */}}
{{- define "order-ingest.volumes" -}}
{{- $root := .root }}
{{- $program := .program }}
{{- $reference := $root.Files.Get "files/settings.json" | fromJson }}
{{- $names := index $reference.programs $program }}
{{- $secrets := list }}
{{- if eq $root.Values.secretsAs "files" }}
{{- range $reference.secretFiles }}
{{- $source := include "order-ingest.secret" (dict "root" $root "program" $program "name" .) | fromJson }}
{{- if and (has . $names) $source.name }}
{{- $items := list (dict "key" $source.key "path" .) }}
{{- $secrets = append $secrets (dict "secret" (dict "name" $source.name "items" $items)) }}
{{- end }}
{{- end }}
{{- end }}
{{- $certificates := list }}
{{- range $certificate := $reference.certificates }}
{{- $source := index $root.Values.certificates $certificate.group $certificate.value }}
{{- if and $source (has $program $certificate.programs) }}
{{- $items := list (dict "key" $source.key "path" (printf "%s/%s.pem" $certificate.group $certificate.value)) }}
{{- if $source.secret }}
{{- $certificates = append $certificates (dict "secret" (dict "name" $source.secret "items" $items)) }}
{{- else }}
{{- $certificates = append $certificates (dict "configMap" (dict "name" $source.configMap "items" $items)) }}
{{- end }}
{{- end }}
{{- end }}
{{- $volumes := list }}
{{- $mounts := list }}
{{- range $name, $sources := dict "secrets" $secrets "certificates" $certificates }}
{{- if $sources }}
{{- $volumes = append $volumes (dict "name" $name "projected" (dict "defaultMode" 0444 "sources" $sources)) }}
{{- $mounts = append $mounts (dict "name" $name "mountPath" (printf "/etc/order-ingest/%s" $name) "readOnly" true) }}
{{- end }}
{{- end }}
{{- $module := $root.Values.orderModule }}
{{- if and $module.configMap (has "ORDER_MODULE" $names) }}
{{- $items := list (dict "key" $module.file "path" $module.file) }}
{{- range $module.migrations }}
{{- $items = append $items (dict "key" . "path" (printf "migrations/%s" .)) }}
{{- end }}
{{- $volumes = append $volumes (dict "name" "order-module" "configMap" (dict "name" $module.configMap "defaultMode" 0444 "items" $items)) }}
{{- $mounts = append $mounts (dict "name" "order-module" "mountPath" "/etc/order-ingest/order-module" "readOnly" true) }}
{{- end }}
{{- dict "volumes" (concat $volumes $root.Values.extraVolumes) "mounts" (concat $mounts $root.Values.extraVolumeMounts) | toJson }}
{{- end }}

{{/*
The seconds between SIGTERM and SIGKILL. A program ends within its grace period and five seconds; the rest is
for the node.
*/}}
{{- define "order-ingest.terminationSeconds" -}}
{{- $reference := .root.Files.Get "files/settings.json" | fromJson }}
{{- $variable := printf "%s_SHUTDOWN_GRACE_MS" (upper .program) }}
{{- $given := include "order-ingest.text" (index .root.Values.settings $variable) }}
{{- $graceMs := int (default (index $reference.defaults $variable) $given) }}
{{- add (div (add $graceMs 999) 1000) 10 }}
{{- end }}

{{/*
A pod template. Arguments: root, program (whose settings it gets), component (its label), and args; for a
long-running program port, certificate (for TLS on this port) and resources; optionally command, hook, buildId,
version, extraEnv.
*/}}
{{- define "order-ingest.pod" -}}
{{- $values := .root.Values }}
{{- $volumes := include "order-ingest.volumes" . | fromJson }}
{{- $scheme := ternary ", scheme: HTTPS" "" (not (empty .certificate)) }}
metadata:
  labels:
    {{- include "order-ingest.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "order-ingest.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .port }}
  terminationGracePeriodSeconds: {{ include "order-ingest.terminationSeconds" . }}
  {{- end }}
  {{- if .restartPolicy }}
  restartPolicy: {{ .restartPolicy }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "order-ingest.image" . }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      {{- with .command }}
      command: {{ toJson . }}
      {{- end }}
      args: {{ toJson .args }}
      env:
        {{- include "order-ingest.env" . | trim | nindent 8 }}
      {{- with $values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .port }}
      ports:
        - { name: http, containerPort: {{ .port }} }
      startupProbe:
        httpGet: { path: /livez, port: http{{ $scheme }} }
        {{- toYaml $values.probes.startup | nindent 8 }}
      livenessProbe:
        httpGet: { path: /livez, port: http{{ $scheme }} }
        {{- toYaml $values.probes.liveness | nindent 8 }}
      readinessProbe:
        httpGet: { path: /readyz, port: http{{ $scheme }} }
        {{- toYaml $values.probes.readiness | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      {{- with $values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $volumes.mounts }}
      volumeMounts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- with $volumes.volumes }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and .port $values.topologySpread }}
  topologySpreadConstraints:
    {{- range $values.topologySpread }}
    - topologyKey: {{ .topologyKey }}
      maxSkew: {{ default 1 .maxSkew }}
      whenUnsatisfiable: {{ .whenUnsatisfiable }}
      # The pods of each revision are spread by themselves, or those that are replaced would count.
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels:
          {{- include "order-ingest.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
{{- end }}
