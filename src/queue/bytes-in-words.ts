const units = ['bytes', 'KB', 'MB', 'GB', 'TB']

/** `4.1 MB`. */
export function bytesInWords(bytes: number): string {
  let size = bytes
  let step = 0
  for (; size >= 1000 && step < units.length - 1; step += 1) size /= 1000
  return `${step === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[step]}`
}
