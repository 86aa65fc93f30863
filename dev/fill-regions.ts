/** Makes the text of a region from the words after its name. */
type Region = (...args: readonly string[]) => string;

const REGION = /<!-- generated: ([^>]*?) -->([^]*?)<!-- \/generated -->/g;

/**
 * Writes the generated regions of a document:
 *
 *     <!-- generated: NAME ARGUMENT… -->
 *     …
 *     <!-- /generated -->
 *
 * A text of one line stays within the line of the markers.
 * Throws an Error that names the file if a marker is unknown or has no end.
 */
export function fillRegions(
  file: string,
  text: string,
  regions: Readonly<Record<string, Region>>,
): string {
  const filled = text.replace(REGION, (_, marker: string, old: string) => {
    const [name = '', ...args] = marker.split(' ');
    const region = Object.hasOwn(regions, name) ? regions[name] : undefined;
    if (!region || old.includes('<!-- generated: ')) {
      throw new Error(
        region
          ? `${file}: the region "${marker}" has no end`
          : `${file}: there is no generated region "${name}", only ${Object.keys(regions).join(', ')}`,
      );
    }
    const content = region(...args);
    const separator = content.includes('\n') ? '\n\n' : '';
    return `<!-- generated: ${marker} -->${separator}${content}${separator}<!-- /generated -->`;
  });
  const [begins, ends] = ['<!-- generated: ', '<!-- /generated -->'].map(
    (marker) => filled.split(marker).length,
  );
  if (begins !== ends) throw new Error(`${file}: a generated region has no end`);
  return filled;
}
