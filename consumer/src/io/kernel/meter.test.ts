import { rm, writeFile } from 'node:fs/promises'
import { type Bytes, bytes } from '@pontage/shared'
import { expect, it } from 'vitest'
import { openMeter } from './meter.js'
import { standIns } from './standIns.fixture.js'

const system = standIns()

it('counts what passed while its table was gone as the device did', async () => {
  const stands = system.place('stands')
  await system.put(
    'nft',
    `while read -r question; do
  [ -e ${stands} ] || { echo 'Error: No such file or directory' >&2; continue; }
  echo '{"nftables":[{"counter":{"name":"down","packets":2,"bytes":300}},{"counter":{"name":"up","packets":1,"bytes":100}}]}'
done`,
  )
  await writeFile(stands, '')
  let flowed = 10_000n
  let loaded: Bytes | undefined
  const meter = openMeter({
    load: async (left) => {
      loaded = left
      flowed += 40n
      await writeFile(stands, '')
    },
    limit: bytes(1_000_000n),
    flowed: () => ({
      downBytes: bytes(flowed),
      upBytes: bytes(flowed / 10n),
      downPackets: 9n,
      upPackets: 9n,
    }),
    lost: () => {},
  })
  try {
    expect(await meter.read()).toMatchObject({ downBytes: 300n, upBytes: 100n })
    await rm(stands)
    flowed += 5_000n
    expect(await meter.read()).toMatchObject({ downBytes: 5_340n, upBytes: 604n })
    expect(loaded).toBe(994_100n)
    // What it counts itself by now is not counted twice.
    flowed += 1_000n
    expect(await meter.read()).toMatchObject({ downBytes: 5_640n, upBytes: 704n })
  } finally {
    meter.close()
  }
})

it('raises the limit by loading the rules anew where they were flushed just before', async () => {
  // It answers what is asked of the counters, and refuses every change: the table is gone by then.
  await system.put(
    'nft',
    `case "$*" in
  *--interactive*) while read -r question; do
      echo '{"nftables":[{"counter":{"name":"down","packets":2,"bytes":300}},{"counter":{"name":"up","packets":1,"bytes":100}}]}'
    done ;;
  *) echo 'Error: No such file or directory' >&2; exit 1 ;;
esac`,
  )
  const loaded: (Bytes | undefined)[] = []
  const meter = openMeter({
    load: async (left) => void loaded.push(left),
    limit: bytes(1_000n),
    lost: () => {},
  })
  try {
    await meter.raise(bytes(5_000n))
    expect(loaded).toEqual([4_600n])
  } finally {
    meter.close()
  }
})

it('loads no rules over those of whoever came after it, once it was closed', async () => {
  await system.put(
    'nft',
    `case "$*" in
  *--interactive*) while read -r question; do echo 'Error: No such file or directory' >&2; done ;;
  *) echo 'Error: No such file or directory' >&2; exit 1 ;;
esac`,
  )
  const loaded: unknown[] = []
  const meter = openMeter({
    load: async (left) => {
      loaded.push(left)
    },
    limit: bytes(1_000_000n),
    lost: () => {},
  })
  meter.close()
  await expect(meter.read()).rejects.toThrow()
  await expect(meter.halt()).rejects.toThrow()
  await expect(meter.raise(bytes(2_000_000n))).rejects.toThrow()
  expect(loaded).toEqual([])
})
