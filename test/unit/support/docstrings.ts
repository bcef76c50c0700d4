import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ts from "typescript";

/** An expression of the schema, and what the parameters of the function around it stand for. */
interface Scoped {
    readonly node: ts.Expression;
    readonly scope: ReadonlyMap<string, Scoped>;
}

/** A property of an object in the schema. */
interface Member {
    /** Its own comment, or that of the property whose value it takes; empty without one. */
    readonly docstring: string;
    readonly value: Scoped;
}

type Members = Readonly<Record<string, Member>>;

const FILE = join(__dirname, "..", "..", "..", "settings", "schema.ts");
const SOURCE = ts.createSourceFile(FILE, readFileSync(FILE, "utf8"), ts.ScriptTarget.Latest, true);
const CONSTANTS = new Map(
    SOURCE.statements
        .filter(ts.isVariableStatement)
        .flatMap(({ declarationList }) => [...declarationList.declarations])
        .map(({ name, initializer }) => [name.getText(), initializer]),
);
/** What stands for the keys of a record, which its owner chooses. */
export const ANY_NAME = "<name>";

/**
 * The comment above a setting in settings/schema.ts, in one line: zod keeps none of it.
 * @param schema Name of the constant that holds the settings of an environment.
 * @param path The setting's keys; ANY_NAME for those of a record.
 * @throws Error where there is no comment.
 */
export function docstring(schema: string, path: readonly string[]): string {
    let members = membersOf(named(schema, new Map()));
    let found = "";
    for (const key of path) {
        const member = members[key];
        found = member?.docstring ?? "";
        members = membersOf(member?.value);
    }
    if (found === "") {
        throw new Error(`settings/schema.ts has no comment for ${path.join(".")} of ${schema}`);
    }
    return found;
}

/** What a name stands for: an argument, or a constant of the file. */
function named(name: string, scope: Scoped["scope"]): Scoped | undefined {
    const constant = CONSTANTS.get(name);
    return scope.get(name) ?? (constant && { node: constant, scope: new Map() });
}

/** The properties of the object that an expression is or makes a schema of. */
function membersOf(expression: Scoped | undefined): Members {
    if (expression === undefined) {
        return {};
    }
    const { node, scope } = expression;
    const within = (part: ts.Expression | undefined) => membersOf(part && { node: part, scope });
    if (ts.isParenthesizedExpression(node)) {
        return within(node.expression);
    }
    if (ts.isIdentifier(node)) {
        return membersOf(named(node.text, scope));
    }
    if (ts.isPropertyAccessExpression(node)) {
        return membersOf(within(node.expression)[node.name.text]?.value);
    }
    if (ts.isArrayLiteralExpression(node)) {
        // Of several kinds of objects the first says what they have in common.
        return Object.assign({}, ...node.elements.map(within).reverse()) as Members;
    }
    if (ts.isObjectLiteralExpression(node)) {
        return Object.assign({}, ...node.properties.map((property) => propertyMembers(property, scope))) as Members;
    }
    return ts.isCallExpression(node) ? callMembers(node, scope) : {};
}

/** What a property or a spread adds to its object. */
function propertyMembers(property: ts.ObjectLiteralElementLike, scope: Scoped["scope"]): Members {
    if (ts.isSpreadAssignment(property)) {
        return membersOf({ node: property.expression, scope });
    }
    if (!ts.isPropertyAssignment(property) && !ts.isShorthandPropertyAssignment(property)) {
        return {};
    }
    const value = { node: ts.isPropertyAssignment(property) ? property.initializer : property.name, scope };
    const [comment] = ts.getJSDocCommentsAndTags(property).filter(ts.isJSDoc);
    const own = (ts.getTextOfJSDocComment(comment?.comment) ?? "").replace(/\s+/g, " ").trim();
    return { [property.name.getText()]: { docstring: own || borrowed(value), value } };
}

/** The comment of the property of another object that an expression takes, or makes optional. */
function borrowed({ node, scope }: Scoped): string {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
        return borrowed({ node: node.expression.expression, scope });
    }
    return ts.isPropertyAccessExpression(node)
        ? (membersOf({ node: node.expression, scope })[node.name.text]?.docstring ?? "")
        : "";
}

/** The properties of a schema that a call makes: zod's, a method of a schema, or a function of the file. */
function callMembers({ expression, arguments: [first, second] }: ts.CallExpression, scope: Scoped["scope"]): Members {
    const within = (part: ts.Expression | undefined) => membersOf(part && { node: part, scope });
    if (!ts.isPropertyAccessExpression(expression)) {
        const called = named(expression.getText(), scope)?.node;
        if (called === undefined || !ts.isArrowFunction(called) || ts.isBlock(called.body)) {
            return {};
        }
        const parameters = called.parameters.map(({ name }) => name.getText());
        const given = [first, second].flatMap((node, index) =>
            node === undefined ? [] : [[parameters[index] ?? "", { node, scope }] as const],
        );
        return membersOf({ node: called.body, scope: new Map(given) });
    }
    const method = expression.name.text;
    if (expression.expression.getText() !== "z") {
        return { ...within(expression.expression), ...(method === "extend" ? within(first) : {}) };
    }
    if (method === "record") {
        return second ? { [ANY_NAME]: { docstring: "", value: { node: second, scope } } } : {};
    }
    return within(method === "discriminatedUnion" ? second : first);
}
