package import DPInterface

extension FeatureStatistics {
    /// The value of a constant component, as text.
    package func constant(_ component: Int) -> String { raw(minimum[component], component: component) }

    /// The range that holds 98% of a component's numbers, as text.
    package func usualRange(_ component: Int) -> String {
        "\(raw(lowerQuantile[component], component: component)) … \(raw(upperQuantile[component], component: component))"
    }
}
