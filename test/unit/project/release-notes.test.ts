import { releaseNotes } from '../../../dev/release-notes.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- later

## [1.2.3] - 2026-11-27

### Added

- a setting

## [1.2.2] - 2026-11-01

- older
`;

test('the notes of a release are its section of the changelog', () => {
  expect(releaseNotes('v1.2.3', '1.2.3', CHANGELOG)).toBe('### Added\n\n- a setting');
});

test.each([
  ['the tag is not the version', 'v1.2.4', '1.2.3'],
  ['the tag lacks its prefix', '1.2.3', '1.2.3'],
  ['the changelog has no section', 'v1.2.4', '1.2.4'],
])('a release is refused if %s', (_reason, tag, version) => {
  expect(() => releaseNotes(tag, version, CHANGELOG)).toThrow();
});

test('a release is refused if its section is empty', () => {
  expect(() => releaseNotes('v1.0.0', '1.0.0', '## [1.0.0] - 2026-11-27\n')).toThrow();
});
