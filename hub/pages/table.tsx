import type { ComponentChildren } from 'preact'
import { LongTable } from '../../shared/pages/longTable.js'

/** One cell under its heading. */
export interface Cell {
  readonly name: string
  readonly value: ComponentChildren
  /** Whether it is a number, at the right. */
  readonly isNumber?: boolean
}

interface Row {
  readonly key: string
  readonly cells: readonly Cell[]
}

/** A table on a wide screen, a list of cards on a phone, as long as it may be. */
export function Table({ rows }: { rows: readonly Row[] }) {
  const kind = ({ isNumber }: Cell) => (isNumber ? 'number' : '')
  return (
    <LongTable
      of={rows}
      keyOf={({ key }) => key}
      head={rows[0]?.cells.map((cell) => (
        <th key={cell.name} class={kind(cell)}>
          {cell.name}
        </th>
      ))}
    >
      {({ cells }) =>
        cells.map((cell) => (
          <td key={cell.name} class={kind(cell)} data-label={cell.name}>
            {cell.value}
          </td>
        ))
      }
    </LongTable>
  )
}
