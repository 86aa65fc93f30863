import { ESLint } from 'eslint';

/**
 * Reads `[[file, text], …]` as JSON from standard input and prints, for each, the messages that the
 * project's lint rules have for that text in the place of that file.
 */
let input = '';
for await (const chunk of process.stdin) input += chunk;
const eslint = new ESLint();
const results = [];
for (const [filePath, text] of JSON.parse(input)) {
  const [result] = await eslint.lintText(text, { filePath });
  results.push(result.messages.map(({ ruleId, message }) => `${ruleId}: ${message}`));
}
console.log(JSON.stringify(results));
