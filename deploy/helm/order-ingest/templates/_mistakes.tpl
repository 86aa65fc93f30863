{{/* What the schema cannot express. All mistakes are reported at once. */}}
{{- define "order-ingest.mistakes" }}
{{- $values := .Values }}
{{- $settings := .Values.settings }}
{{- $secrets := .Values.secrets }}
{{- $reference := .Files.Get "files/settings.json" | fromJson }}
{{- $mistakes := list }}
{{- if not $settings.KAFKA_BROKERS }}
{{- $mistakes = append $mistakes "settings.KAFKA_BROKERS is not set: the bootstrap brokers, as host:port,host:port" }}
{{- end }}
{{- if and $values.worker.enabled (not $secrets.DATABASE_URL) }}
{{- $mistakes = append $mistakes "secrets.DATABASE_URL is not set: the name and the key of a Secret with the URL of the Postgres database, for instance --set secrets.DATABASE_URL.name=order-ingest --set secrets.DATABASE_URL.key=database-url" }}
{{- end }}
{{- if and $values.setup.enabled (not $secrets.DATABASE_URL) (not $values.setup.databaseUrl) (not $values.worker.enabled) (or (not $values.setup.only) (has "database" $values.setup.only)) }}
{{- $mistakes = append $mistakes "setup creates tables, but neither setup.databaseUrl nor secrets.DATABASE_URL is set: name a Secret, or set setup.only to [kafka, temporal]" }}
{{- end }}
{{- $mechanism := $settings.KAFKA_SASL_MECHANISM | default "" | lower | replace "_" "-" }}
{{- if and (has $mechanism (list "oauthbearer" "aws-msk-iam")) (eq $values.bridge.autoscaling.type "keda") }}
{{- $mistakes = append $mistakes "bridge.autoscaling.type is keda, which the chart supports with KAFKA_SASL_MECHANISM plain, scram-sha-256 and scram-sha-512 only" }}
{{- end }}
{{- if and (eq $mechanism "oauthbearer") (not $secrets.KAFKA_SASL_OAUTHBEARER_TOKEN) (not $secrets.KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET) }}
{{- $mistakes = append $mistakes "settings.KAFKA_SASL_MECHANISM is oauthbearer, but neither secrets.KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET nor secrets.KAFKA_SASL_OAUTHBEARER_TOKEN is set" }}
{{- end }}
{{- if has $mechanism (list "plain" "scram-sha-256" "scram-sha-512") }}
{{- if not $secrets.KAFKA_SASL_PASSWORD }}
{{- $mistakes = append $mistakes "settings.KAFKA_SASL_MECHANISM is set, but secrets.KAFKA_SASL_PASSWORD is not" }}
{{- end }}
{{- if not (or $settings.KAFKA_SASL_USERNAME $secrets.KAFKA_SASL_USERNAME) }}
{{- $mistakes = append $mistakes "settings.KAFKA_SASL_MECHANISM is set, but KAFKA_SASL_USERNAME is neither in settings nor in secrets" }}
{{- end }}
{{- end }}
{{- if and $settings.KAFKA_SASL_USERNAME $secrets.KAFKA_SASL_USERNAME }}
{{- $mistakes = append $mistakes "KAFKA_SASL_USERNAME is in both settings and secrets: remove one" }}
{{- end }}
{{- range $reference.certificates }}
{{- if and .variable (hasKey $settings (default "" .variable)) (index $values.certificates .group .value) }}
{{- $mistakes = append $mistakes (printf "settings.%s and certificates.%s.%s are both set: remove one" .variable .group .value) }}
{{- end }}
{{- end }}
{{- if and $values.certificates.kafka (ne (include "order-ingest.text" $settings.KAFKA_SSL) "true") }}
{{- $mistakes = append $mistakes "certificates.kafka is set, but settings.KAFKA_SSL is not true" }}
{{- end }}
{{- if ne (empty $values.certificates.kafka.cert) (empty $values.certificates.kafka.key) }}
{{- $mistakes = append $mistakes "only one of certificates.kafka.cert and certificates.kafka.key is set: mutual TLS needs both" }}
{{- end }}
{{- if ne (empty $values.certificates.temporal.cert) (empty $values.certificates.temporal.key) }}
{{- $mistakes = append $mistakes "only one of certificates.temporal.cert and certificates.temporal.key is set: mutual TLS needs both" }}
{{- end }}
{{- if ne (empty $values.certificates.http.cert) (empty $values.certificates.http.key) }}
{{- $mistakes = append $mistakes "only one of certificates.http.cert and certificates.http.key is set: TLS needs both" }}
{{- end }}
{{- if and $values.certificates.http.clientCa (not $values.certificates.http.cert) }}
{{- $mistakes = append $mistakes "certificates.http.clientCa is set, but certificates.http.cert is not: client certificates need TLS" }}
{{- end }}
{{- if ne (empty $values.certificates.codecServer.cert) (empty $values.certificates.codecServer.key) }}
{{- $mistakes = append $mistakes "only one of certificates.codecServer.cert and certificates.codecServer.key is set: TLS needs both" }}
{{- end }}
{{- if $values.codecServer.enabled }}
{{- range list "TEMPORAL_PAYLOAD_KEYS" "CODEC_SERVER_TOKEN" }}
{{- if not (index $secrets .) }}
{{- $mistakes = append $mistakes (printf "codecServer.enabled is set, but secrets.%s is not" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $secrets.WORKFLOW_ID_HASH_KEY (not $secrets.TEMPORAL_PAYLOAD_KEYS) }}
{{- $mistakes = append $mistakes "secrets.WORKFLOW_ID_HASH_KEY is set, but secrets.TEMPORAL_PAYLOAD_KEYS is not" }}
{{- end }}
{{- if or $values.metrics.podMonitor.enabled $values.metrics.serviceMonitor.enabled }}
{{- range list "BRIDGE_HTTP_TOKEN" "WORKER_HTTP_TOKEN" }}
{{- $source := index $secrets . }}
{{- if and $source (not $source.name) }}
{{- $mistakes = append $mistakes (printf "secrets.%s.file: the monitors read the token from a Secret only; give its name and key" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- range concat $values.extraEnv $values.bridge.extraEnv $values.worker.extraEnv $values.setup.extraEnv $values.codecServer.extraEnv }}
{{- if has .name $reference.names }}
{{- $mistakes = append $mistakes (printf "extraEnv contains %s: set it under settings or secrets, so that every program that reads it gets it" .name) }}
{{- end }}
{{- end }}
{{- $topics := splitList "," (include "order-ingest.text" (default $reference.defaults.KAFKA_TOPIC $settings.KAFKA_TOPIC)) }}
{{- $partitions := mul (len $topics) (int (include "order-ingest.text" (default $reference.defaults.KAFKA_TOPIC_PARTITIONS $settings.KAFKA_TOPIC_PARTITIONS))) | int }}
{{- if $values.orderModule.configMap }}
{{- if not $values.orderModule.file }}
{{- $mistakes = append $mistakes "orderModule.configMap is set, but orderModule.file is not: the key of the module in the ConfigMap" }}
{{- end }}
{{- if $settings.ORDER_MODULE }}
{{- $mistakes = append $mistakes "settings.ORDER_MODULE and orderModule.configMap are both set: remove one" }}
{{- end }}
{{- else if or $values.orderModule.file $values.orderModule.migrations }}
{{- $mistakes = append $mistakes "orderModule.file or orderModule.migrations is set, but orderModule.configMap is not" }}
{{- end }}
{{- range $component := list "bridge" "worker" }}
{{- $scaling := (index $values $component).autoscaling }}
{{- if ne $scaling.type "none" }}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}
{{- $mistakes = append $mistakes (printf "%s.autoscaling.minReplicas (%d) is more than maxReplicas (%d)" $component (int $scaling.minReplicas) (int $scaling.maxReplicas)) }}
{{- end }}
{{- if and (eq $component "bridge") (gt (int $scaling.maxReplicas) $partitions) }}
{{- $mistakes = append $mistakes (printf "bridge.autoscaling.maxReplicas (%d) is more than the topics have partitions (settings.KAFKA_TOPIC_PARTITIONS, %d in all): further bridges would be idle" (int $scaling.maxReplicas) $partitions) }}
{{- end }}
{{- end }}
{{- end }}
{{- if or (eq $values.bridge.autoscaling.type "keda") (eq $values.worker.autoscaling.type "keda") }}
{{- range $name, $source := $secrets }}
{{- if and $source.file (not (has $name (list "DATABASE_URL" "BRIDGE_HTTP_TOKEN" "WORKER_HTTP_TOKEN" "TEMPORAL_PAYLOAD_KEYS" "WORKFLOW_ID_HASH_KEY" "CODEC_SERVER_TOKEN"))) }}
{{- $mistakes = append $mistakes (printf "secrets.%s.file: KEDA reads credentials from Secrets only; give the name and the key of one" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $values.metrics.podMonitor.enabled $values.metrics.serviceMonitor.enabled }}
{{- $mistakes = append $mistakes "metrics.podMonitor and metrics.serviceMonitor are both enabled: every pod would be scraped twice" }}
{{- end }}
{{- if $values.worker.versioning.enabled }}
{{- $buildId := include "order-ingest.buildId" . }}
{{- $buildIds := list $buildId }}
{{- if not (regexMatch "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$" $buildId) }}
{{- $mistakes = append $mistakes (printf "the build ID %q is not a valid label value: set worker.versioning.buildId to 1 to 63 letters, digits, \".\", \"_\" and \"-\"" $buildId) }}
{{- end }}
{{- range $values.worker.versioning.previous }}
{{- if has .buildId $buildIds }}
{{- $mistakes = append $mistakes (printf "the build ID %q occurs twice in worker.versioning: previous lists other versions than the one of this chart" .buildId) }}
{{- end }}
{{- $buildIds = append $buildIds .buildId }}
{{- end }}
{{- else if $values.worker.versioning.previous }}
{{- $mistakes = append $mistakes "worker.versioning.previous is set, but worker.versioning.enabled is not" }}
{{- end }}
{{- if $mistakes }}
{{- fail (printf "\n\n%d mistake(s) in the values:\n  - %s\n" (len $mistakes) (join "\n  - " $mistakes)) }}
{{- end }}
{{- end }}
