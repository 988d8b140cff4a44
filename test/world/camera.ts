import { writeFileSync } from 'node:fs'

/** A picture of shades of grey, from the top left. */
interface Picture {
  readonly width: number
  readonly height: number
  /** Each 0 (dark) to 255. */
  readonly shades: Uint8Array
}

/**
 * What a camera sees of a terminal with a QR code: turned a little, and with dark around the code.
 *
 * @param code - In lines of half blocks, as commands print it: blocks are light.
 * @param turned - Degrees.
 */
export function terminalSeen(code: string, turned = 7): Picture {
  const [width, height] = [1_280, 720]
  const lines = code.split('\n')
  const side = Math.max(...lines.map((line) => [...line].length))
  const isLight = (x: number, y: number): boolean =>
    (y % 2 === 0 ? '▀█' : '▄█').includes([...(lines[y >> 1] ?? '')][x] ?? ' ')
  const perSquare = (0.72 * height) / side
  const [cos, sin] = [Math.cos((turned * Math.PI) / 180), Math.sin((turned * Math.PI) / 180)]
  const shades = new Uint8Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [right, down] = [x - width / 2, y - height / 2]
      const column = Math.floor((right * cos + down * sin) / perSquare + side / 2)
      const row = Math.floor((down * cos - right * sin) / perSquare + side / 2)
      const isCode = column >= 0 && row >= 0 && column < side && row < side
      shades[y * width + x] = isCode && isLight(column, row) ? 215 : 28
    }
  return { width, height, shades }
}

/** Writes a film of one picture, as a browser takes it for what its camera sees. @param path - Ends in `.y4m` */
export function writeFilm(path: string, { width, height, shades }: Picture): void {
  const colours = Buffer.alloc(width * height * 0.5, 128)
  writeFileSync(
    path,
    Buffer.concat([
      Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\nFRAME\n`),
      shades,
      colours,
    ]),
  )
}

/** A picture as a file of a kind that every browser reads: a bitmap, from the bottom up. */
export function bitmapOf({ width, height, shades }: Picture): Buffer {
  const [heading, paletteBytes] = [54, 1_024]
  const head = Buffer.alloc(heading + paletteBytes)
  head.write('BM')
  head.writeUInt32LE(head.length + shades.length, 2)
  head.writeUInt32LE(head.length, 10)
  head.writeUInt32LE(40, 14)
  head.writeInt32LE(width, 18)
  head.writeInt32LE(-height, 22)
  head.writeUInt16LE(1, 26)
  head.writeUInt16LE(8, 28)
  for (let shade = 0; shade < 256; shade++) head.fill(shade, heading + 4 * shade, heading + 4 * shade + 3)
  return Buffer.concat([head, shades])
}
