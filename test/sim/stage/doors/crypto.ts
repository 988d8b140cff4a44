import { timeline } from '../timeline.js'

export * from 'node:crypto'

/** Random bytes of the program that asks. */
export const randomBytes = (length: number): Buffer => timeline().process.chance.bytes(length)

export const randomInt = (...range: [below: number] | [least: number, below: number]): number => {
  const [least, below] = range.length === 1 ? [0, range[0]] : range
  return least + Math.floor(timeline().process.chance.real() * (below - least))
}

export function randomUUID(): string {
  const hex = randomBytes(16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
