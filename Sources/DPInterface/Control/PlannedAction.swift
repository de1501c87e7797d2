/// An action of a plan, also in double precision if the policy returned it so.
struct PlannedAction: Sendable {
    /// The action, in raw units.
    let floats: [Float]
    /// The action in double precision, if single precision cannot hold such actions; otherwise nil.
    let doubles: [Double]?

    /// The action in double precision, converted if necessary.
    var inDoubles: [Double] { doubles ?? floats.map(Double.init) }

    /// Returns the linear interpolation between two actions; `fraction` is the weight of the new one.
    static func mix(_ old: PlannedAction, _ new: PlannedAction, fraction: Double) -> PlannedAction {
        if old.doubles == nil, new.doubles == nil {
            let fraction = Float(fraction)
            return PlannedAction(floats: zip(old.floats, new.floats).map { $0 + fraction * ($1 - $0) }, doubles: nil)
        }
        let doubles = zip(old.inDoubles, new.inDoubles).map { $0 + fraction * ($1 - $0) }
        return PlannedAction(floats: doubles.map(Float.init), doubles: doubles)
    }
}

extension ActionChunk {
    /// Returns a range of the predicted actions.
    func planned(_ range: Range<Int>) -> [PlannedAction] {
        range.map { PlannedAction(floats: prediction[$0], doubles: doubles?[$0]) }
    }
}
