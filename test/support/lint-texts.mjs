import { ESLint } from 'eslint';

/**
 * Reads `[[file, text], …]` as JSON from standard input. Prints as JSON, for each, the messages of the lint
 * rules for this text at the path of this file.
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
