import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = ['hub', 'provider', 'consumer']

interface Source {
  readonly path: string
  readonly imports: readonly string[]
}

/** TypeScript sources of a workspace, with what they import; relative imports as paths from the root. */
function sourcesOf(folder: string): Source[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules') && !file.startsWith('dist/'))
    .map((file) => {
      const path = join(folder, file)
      const text = readFileSync(join(root, path), 'utf8')
      const found = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*'([^']+)'/g)].map(([, target = '']) =>
        target.startsWith('.')
          ? relative(root, resolve(root, dirname(path), target)).replace(/\.js$/, '.ts')
          : target,
      )
      return { path, imports: found }
    })
}

const isTest = (source: Source) => /\.(test|suite|fixture)\.ts$/.test(source.path)
const room = (path: string) => path.split('/src/')[1]?.split('/')[0] ?? ''

describe.each(programs)('%s', (program) => {
  const sources = sourcesOf(`${program}/src`).filter((source) => !isTest(source))

  it('has sources', () => expect(sources.length).toBeGreaterThan(0))

  it('meets the other programs on the wire, never by import', () => {
    const others = programs.filter((other) => other !== program)
    for (const { path, imports } of sources)
      for (const target of imports)
        expect(
          others.some((other) => target.startsWith(`@pontage/${other}`) || target.startsWith(`${other}/`)),
          `${path} imports ${target}`,
        ).toBe(false)
  })

  it('imports to the left only: core, io, app, main', () => {
    const order = ['core', 'io', 'app', 'main.ts']
    for (const { path, imports } of sources) {
      const from = order.indexOf(room(path))
      if (from < 0) continue
      for (const target of imports.filter((each) => each.startsWith(`${program}/src/`))) {
        const to = order.indexOf(room(target))
        expect(to, `${path} imports ${target}, which lies in no room`).toBeGreaterThanOrEqual(0)
        expect(to, `${path} imports ${target}: rooms import to the left only`).toBeLessThanOrEqual(from)
      }
    }
  })

  it('decides in core without clock, network, disk or chance', () => {
    for (const { path, imports } of sources.filter((source) => room(source.path) === 'core')) {
      for (const target of imports)
        expect(
          target === '@pontage/shared' || target.startsWith(`${program}/src/core/`),
          `${path} imports ${target}: core knows only the pure protocol`,
        ).toBe(true)
      const text = readFileSync(join(root, path), 'utf8')
      expect(text, `${path} reads a clock or rolls dice`).not.toMatch(
        /Date\.now|new Date\(\)|Math\.random|performance\.now/,
      )
    }
  })
})

describe('shared', () => {
  const sources = sourcesOf('shared/src').filter((source) => !isTest(source))

  it('knows no program', () => {
    for (const { path, imports } of sources)
      for (const target of imports)
        expect(
          programs.some((program) => target.startsWith(`@pontage/${program}`)),
          `${path} imports ${target}`,
        ).toBe(false)
  })

  it('keeps the world behind its second door: the pure protocol imports nothing of Node', () => {
    for (const { path, imports } of sources.filter((source) => !source.path.startsWith('shared/src/node/')))
      for (const target of imports)
        expect(
          target.startsWith('node:') || target.startsWith('shared/src/node/'),
          `${path} imports ${target}`,
        ).toBe(false)
  })
})
