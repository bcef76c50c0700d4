/** The value below which a share of the values lies, by the nearest rank; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** The middle one of the values, of an even number the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const half = (sorted.length - 1) / 2;
    return ((sorted[Math.floor(half)] ?? NaN) + (sorted[Math.ceil(half)] ?? NaN)) / 2;
}

/** The sum of values that have names. */
export function sum(values: Readonly<Record<string, number>>): number {
    return Object.values(values).reduce((total, value) => total + value, 0);
}

/** A number as a table shows it: three digits that count, with separators between thousands. */
export function shown(value: number | undefined): string {
    if (value === undefined || !Number.isFinite(value)) {
        return "not measured";
    }
    const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
    return value.toLocaleString("en-GB", { maximumFractionDigits: Math.min(digits, 3) });
}
