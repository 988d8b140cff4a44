import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bundle } from '../bundle.mjs'
import { put } from '../programTree.mjs'

// What an installed program begins with: each of these takes a part of every start, and most commands need none of it.

let folder = ''
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pontage-start-'))
  await bundle(['consumer'], folder, { platforms: [`linux-${process.arch}`] })
  put(join(folder, 'package.json'), '{"type":"module","version":"0"}')
})
after(() => rmSync(folder, { recursive: true }))

/** Says of what takes long that it was begun. */
const noting = `
const { Segmenter } = Intl
Intl.Segmenter = function (...given) { console.error('begun: segmenter'); return new Segmenter(...given) }
const { dlopen } = process
process.dlopen = (...given) => { console.error('begun: native part'); return dlopen.apply(process, given) }
`

test('a start measures no text and loads no native part', () => {
  const preload = `data:text/javascript,${encodeURIComponent(noting)}`
  const words = ['-c', '"$0" --import "$1" "$2" --version 2>&1', process.execPath, preload]
  const start = join(folder, 'consumer', 'start.js')
  assert.equal(execFileSync('sh', [...words, start], { encoding: 'utf8' }).trim(), '0')
})
