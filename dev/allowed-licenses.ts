/** The SPDX expressions of licenses that permit use and distribution with the Apache License 2.0. */
export const ALLOWED_LICENSES: readonly string[] = [
  ...['0BSD', 'Apache-2.0', 'Apache-2.0 AND MIT', 'BSD-2-Clause', 'BSD-3-Clause'],
  ...['BlueOak-1.0.0', 'ISC', 'MIT', 'Unlicense'],
  // Data of browsers' versions, which webpack reads through `browserslist`.
  'CC-BY-4.0',
];

/** Packages whose package.json lacks the field `license`, and the license that their README or LICENSE states. */
export const STATED_ELSEWHERE: Readonly<Record<string, string>> = {
  unionfs: 'Unlicense',
};
