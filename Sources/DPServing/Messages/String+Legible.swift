extension String {
    /// Returns the beginning of the string without invisible characters, to show it in one line: text that came
    /// over the network may contain line breaks or control characters, or be a single character of millions of
    /// scalars.
    package func legible(atMost count: Int) -> String {
        let invisible: Set<Unicode.GeneralCategory> = [.control, .format, .lineSeparator, .paragraphSeparator]
        let scalars = unicodeScalars.prefix(count).filter { !invisible.contains($0.properties.generalCategory) }
        return String(String.UnicodeScalarView(scalars))
    }
}
