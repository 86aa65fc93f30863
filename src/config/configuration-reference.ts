import { SECTIONS, type Section } from './sections.ts';
import type { Setting } from './setting.ts';

/** The text of docs/configuration.md. */
export const configurationReference = (): string =>
  `# Configuration

<!-- Made by \`npm run docs\` from src/config/. Change it there. -->

Every setting is an environment variable, or a line of the file that \`--env-file\` names; the
environment takes precedence; an empty variable counts as unset and does not hide the value of the file. All are checked when a program starts,
and all mistakes are reported at once. \`order-ingest config\` prints what is in force.

${SECTIONS.map(sectionText).join('\n')}
## Temporal connection, further

These variables, and the profiles of a \`temporal.toml\`, are read by Temporal's own
\`@temporalio/envconfig\`, so that whatever works for the \`temporal\` command works here. It knows a few
more than the table above has, such as \`TEMPORAL_GRPC_META_*\` for headers.
`;

const sectionText = ({ title, readBy, settings }: Section): string => `## ${title}

Read by ${readBy.map((command) => `\`${command}\``).join(', ')}.

| variable | default | meaning |
| --- | --- | --- |
${Object.values(settings).map(row).join('\n')}
`;

const row = (setting: Setting): string =>
  `| \`${setting.name}\` | ${defaultText(setting)} | ${setting.description.replaceAll('|', '\\|')} |`;

function defaultText(setting: Setting): string {
  if (setting.default !== undefined) return `\`${setting.default}\``;
  return setting.optional ? 'none' : '**required**';
}
