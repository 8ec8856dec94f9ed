// Package answertest lets the gateway simulator refuse messages as real providers do, and shows what becomes of the bills, and of copies:
// by the production apps, on real components. It holds only tests.
package answertest
