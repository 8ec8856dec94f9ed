package deliveryapp

// FeedbackService is the service of the role feedback.
var FeedbackService = feedbackService
